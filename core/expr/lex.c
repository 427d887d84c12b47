/*
 * The lexer: finds where each token ends and of what type it is. What a literal means
 * is decided in literal.c.
 */
#include "expr/expr_priv.h"

#include <string.h>

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_hex(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool is_name(char c)
{
    return c == '_' || is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* The character n bytes ahead; NUL past the end. */
static char peek(const struct expr_lexer *lex, size_t n)
{
    return lex->at + n < lex->len ? lex->text[lex->at + n] : '\0';
}

static void skip_blank(struct expr_lexer *lex)
{
    while (lex->at < lex->len) {
        const char c = lex->text[lex->at];
        if (c == '/' && peek(lex, 1) == '/') {
            while (lex->at < lex->len && lex->text[lex->at] != '\n')
                lex->at++;
        } else if (c == ' ' || (c >= '\t' && c <= '\r')) {
            lex->at++;
        } else {
            return;
        }
    }
}

/* Reads the exponent at lex->at, if there is one. */
static bool skip_exponent(struct expr_lexer *lex)
{
    if (peek(lex, 0) != 'e' && peek(lex, 0) != 'E')
        return false;
    const size_t sign = peek(lex, 1) == '+' || peek(lex, 1) == '-' ? 1 : 0;
    if (!is_digit(peek(lex, 1 + sign)))
        return false;
    lex->at += 1 + sign;
    while (is_digit(peek(lex, 0)))
        lex->at++;
    return true;
}

static enum expr_token_type skip_number(struct expr_lexer *lex)
{
    enum expr_token_type type = TOKEN_INT;

    if (peek(lex, 0) == '0' && (peek(lex, 1) == 'x' || peek(lex, 1) == 'X') &&
        is_hex(peek(lex, 2))) {
        lex->at += 2;
        while (is_hex(peek(lex, 0)))
            lex->at++;
        return TOKEN_INT;
    }
    while (is_digit(peek(lex, 0)))
        lex->at++;
    if (peek(lex, 0) == '.' && is_digit(peek(lex, 1))) {
        type = TOKEN_DOUBLE;
        lex->at++;
        while (is_digit(peek(lex, 0)))
            lex->at++;
    }
    return skip_exponent(lex) ? TOKEN_DOUBLE : type;
}

static int lex_number(struct expr_lexer *lex, struct expr_token *token)
{
    token->type = skip_number(lex);
    const size_t length = lex->at - token->offset;

    if (token->type == TOKEN_INT && (peek(lex, 0) == 'u' || peek(lex, 0) == 'U'))
        return expr_fail(lex->err, EXPR_E_SYNTAX, token->offset, length + 1,
                         "unsigned numbers are not supported: '%s'",
                         expr_snippet(lex->text + token->offset, length + 1).text);
    if (is_name(peek(lex, 0)))
        return expr_fail(lex->err, EXPR_E_SYNTAX, token->offset, length + 1,
                         "'%s' is not a number",
                         expr_snippet(lex->text + token->offset, length + 1).text);
    return 0;
}

/* Bytes before the opening quote at lex->at: r and b in either case; or -1. */
static int string_prefix(const struct expr_lexer *lex)
{
    int n = 0;

    while (n < 2 && peek(lex, (size_t)n) != '\0' &&
           strchr("rRbB", peek(lex, (size_t)n)) != NULL)
        n++;
    const char quote = peek(lex, (size_t)n);
    return quote == '"' || quote == '\'' ? n : -1;
}

/* Finds the end of the string; lex->at is at the opening quote. */
static int skip_string(struct expr_lexer *lex, bool raw)
{
    const char quote = peek(lex, 0);
    const bool triple = peek(lex, 1) == quote && peek(lex, 2) == quote;
    const size_t start = lex->at;

    lex->at += triple ? 3 : 1;
    while (lex->at < lex->len) {
        const char c = peek(lex, 0);
        if (c == '\\' && !raw) {
            lex->at += 2;
        } else if (!triple && (c == '\n' || c == '\r')) {
            break;
        } else if (c == quote && !triple) {
            lex->at++;
            return 0;
        } else if (c == quote && peek(lex, 1) == quote && peek(lex, 2) == quote) {
            lex->at += 3;
            return 0;
        } else {
            lex->at++;
        }
    }
    const size_t end = lex->at < lex->len ? lex->at : lex->len;
    return expr_fail(lex->err, EXPR_E_SYNTAX, start, end - start,
                     "the string %s has no end",
                     expr_snippet(lex->text + start, end - start).text);
}

static int lex_string(struct expr_lexer *lex, struct expr_token *token, int prefix)
{
    bool raw = false;

    token->type = TOKEN_STRING;
    for (; prefix > 0; prefix--, lex->at++) {
        if (peek(lex, 0) == 'b' || peek(lex, 0) == 'B')
            return expr_fail(lex->err, EXPR_E_SYNTAX, token->offset, 2,
                             "bytes are not supported: use a string");
        raw = true;
    }
    return skip_string(lex, raw);
}

static void lex_name(struct expr_lexer *lex, struct expr_token *token)
{
    while (is_name(peek(lex, 0)))
        lex->at++;
    token->type = TOKEN_NAME;
    if (lex->at - token->offset == 2 && memcmp(lex->text + token->offset, "in", 2) == 0)
        token->type = TOKEN_IN;
}

static int lex_quoted_name(struct expr_lexer *lex, struct expr_token *token)
{
    token->type = TOKEN_QUOTED_NAME;
    for (lex->at++; is_name(peek(lex, 0)) ||
                    (peek(lex, 0) != '\0' && strchr("-./ ", peek(lex, 0)) != NULL);)
        lex->at++;
    if (peek(lex, 0) != '`' || lex->at == token->offset + 1)
        return expr_fail(lex->err, EXPR_E_SYNTAX, token->offset, 1,
                         "a name between backticks has letters, digits and _-./");
    lex->at++;
    return 0;
}

struct sign {
    const char text[3];
    enum expr_token_type type;
};

/* Two characters before one, so that the longest is found. */
static const struct sign signs[] = {
    {"||", TOKEN_OR},          {"&&", TOKEN_AND},
    {"==", TOKEN_EQ},          {"!=", TOKEN_NE},
    {"<=", TOKEN_LE},          {">=", TOKEN_GE},
    {"(", TOKEN_LEFT_PAREN},   {")", TOKEN_RIGHT_PAREN},
    {"[", TOKEN_LEFT_BRACKET}, {"]", TOKEN_RIGHT_BRACKET},
    {"{", TOKEN_LEFT_BRACE},   {"}", TOKEN_RIGHT_BRACE},
    {".", TOKEN_DOT},          {",", TOKEN_COMMA},
    {":", TOKEN_COLON},        {"?", TOKEN_QUESTION},
    {"!", TOKEN_NOT},          {"<", TOKEN_LT},
    {">", TOKEN_GT},           {"+", TOKEN_PLUS},
    {"-", TOKEN_MINUS},        {"*", TOKEN_STAR},
    {"/", TOKEN_SLASH},        {"%", TOKEN_PERCENT},
};

static int lex_sign(struct expr_lexer *lex, struct expr_token *token)
{
    const char *at = lex->text + lex->at;
    const size_t left = lex->len - lex->at;
    uint32_t point;

    for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++) {
        const size_t n = strlen(signs[i].text);
        if (n <= left && memcmp(at, signs[i].text, n) == 0) {
            token->type = signs[i].type;
            lex->at += n;
            return 0;
        }
    }
    const size_t n = expr_utf8_next(at, left, &point);
    return expr_fail(lex->err, EXPR_E_SYNTAX, lex->at, n, "'%s' does not belong here%s",
                     expr_snippet(at, n).text, *at == '=' ? ": equality is ==" : "");
}

static int lex_any(struct expr_lexer *lex, struct expr_token *token)
{
    const char c = peek(lex, 0);
    const int prefix = string_prefix(lex);

    if (prefix >= 0)
        return lex_string(lex, token, prefix);
    if (is_digit(c) || (c == '.' && is_digit(peek(lex, 1))))
        return lex_number(lex, token);
    if (c == '`')
        return lex_quoted_name(lex, token);
    if (!is_name(c))
        return lex_sign(lex, token);
    lex_name(lex, token);
    return 0;
}

int expr_lex(struct expr_lexer *lex, struct expr_token *token)
{
    skip_blank(lex);
    *token = (struct expr_token){.type = TOKEN_END, .offset = lex->at};
    if (lex->at == lex->len)
        return 0;
    const int rc = lex_any(lex, token);
    token->length = lex->at - token->offset;
    return rc;
}
