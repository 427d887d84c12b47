/* words - counts the words of its standard input. */
#include <ctype.h>
#include <stdio.h>

int main(void)
{
    long n_words = 0;
    int inside = 0;

    for (int c; (c = getchar()) != EOF;) {
        const int is_letter = !isspace(c);
        n_words += is_letter && !inside;
        inside = is_letter;
    }
    printf("%ld word%s\n", n_words, n_words == 1 ? "" : "s");
    return 0;
}
