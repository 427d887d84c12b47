/* base/sha256.c - SHA-256 of bytes and files, HMAC (RFC 2104); libmd does the work. */
#include "base/sha256.h"

#include <errno.h>
#include <fcntl.h>
#include <sha2.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#define READ_SIZE 65536

void sha256_text(const void *bytes, size_t len, char out[SHA256_TEXT])
{
    SHA2_CTX ctx;

    SHA256Init(&ctx);
    SHA256Update(&ctx, bytes, len);
    SHA256End(&ctx, out);
}

static void begin_padded(SHA2_CTX *ctx, const uint8_t key[SHA256_BLOCK_LENGTH],
                         uint8_t pad)
{
    uint8_t padded[SHA256_BLOCK_LENGTH];

    for (size_t i = 0; i < sizeof(padded); i++)
        padded[i] = key[i] ^ pad;
    SHA256Init(ctx);
    SHA256Update(ctx, padded, sizeof(padded));
    explicit_bzero(padded, sizeof(padded));
}

void sha256_hmac(const void *key, size_t key_len, const void *bytes, size_t len,
                 char out[SHA256_TEXT])
{
    uint8_t block[SHA256_BLOCK_LENGTH] = {0};
    uint8_t digest[SHA256_DIGEST_LENGTH];
    SHA2_CTX ctx;

    if (key_len > sizeof(block)) {
        SHA256Init(&ctx);
        SHA256Update(&ctx, key, key_len);
        SHA256Final(block, &ctx);
    } else if (key_len > 0) {
        memcpy(block, key, key_len);
    }
    begin_padded(&ctx, block, 0x36);
    SHA256Update(&ctx, bytes, len);
    SHA256Final(digest, &ctx);
    begin_padded(&ctx, block, 0x5c);
    SHA256Update(&ctx, digest, sizeof(digest));
    SHA256End(&ctx, out);
    explicit_bzero(block, sizeof(block));
    explicit_bzero(&ctx, sizeof(ctx));
}

int sha256_file(const char *path, char out[SHA256_TEXT], long long *size)
{
    uint8_t chunk[READ_SIZE];
    long long total = 0;
    SHA2_CTX ctx;
    const int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return -errno;
    SHA256Init(&ctx);
    for (;;) {
        const ssize_t got = read(fd, chunk, sizeof(chunk));

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            const int failed = -errno;

            close(fd);
            return failed;
        }
        if (got == 0)
            break;
        SHA256Update(&ctx, chunk, (size_t)got);
        total += got;
    }
    close(fd);
    SHA256End(&ctx, out);
    if (size)
        *size = total;
    return 0;
}
