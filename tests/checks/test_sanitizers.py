"""Each fault that a sanitizer of this build is there for does end the program."""

import os
import subprocess
import unittest

from planted import PlantedTree

AFTER_FREE = """#include <stdlib.h>
int main(int n, char **v)
{
    char *volatile p = calloc(4, 1);
    char *last = p;
    free(last);
    return p[n] == v[0][0];
}
"""
LEAK = """#include <stdlib.h>
void *volatile held;
int main(void)
{
    for (int i = 0; i < 100; i++)
        held = malloc(100); /* of the last one a copy may be left somewhere */
    held = NULL;
    return 0;
}
"""
SIGNED = """int main(int n, char **v)
{
    (void)v;
    return (0x7fffffff - 1 + n + n) == 5;
}
"""
RACE = """#include <pthread.h>
static int n;
static void *add(void *arg)
{
    for (int i = 0; i < 100000; i++)
        n++;
    return arg;
}
int main(void)
{
    pthread_t other;
    pthread_create(&other, NULL, add, NULL);
    add(NULL);
    return pthread_join(other, NULL);
}
"""
FAULTS = {
    "address": [
        (AFTER_FREE, "heap-use-after-free"),
        (LEAK, "detected memory leaks"),
        (SIGNED, "signed integer overflow"),
    ],
    "thread": [(RACE, "data race")],
}
FLAGS = os.environ.get("FLOWFORGE_SANITIZE", "").split()


class Sanitizers(PlantedTree):
    def run_fault(self, text: str) -> subprocess.CompletedProcess[str]:
        compiler = os.environ.get("FLOWFORGE_CC", "gcc")
        file = self.plant("fault.c", text)
        program = str(self.root / "fault")
        compile_it = [compiler, "-O1", "-g", *FLAGS, str(file), "-o", program]
        subprocess.run([*compile_it, "-pthread"], check=True)
        return subprocess.run([program], capture_output=True, text=True, timeout=60)

    def test_planted_faults_are_caught(self) -> None:
        for name, faults in FAULTS.items():
            if not any(name in flag for flag in FLAGS):
                continue
            for text, words in faults:
                done = self.run_fault(text)
                self.assertNotEqual(done.returncode, 0, words)
                self.assertIn(words, done.stderr)


if __name__ == "__main__":
    unittest.main()
