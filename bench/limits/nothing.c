/* bench/limits/nothing.c - a program that ends at once, without libc: what is measured
 * with it is the starting of processes and not what they do. */
/* NOLINTNEXTLINE(bugprone-reserved-identifier): where the kernel begins */
__attribute__((noreturn)) void _start(void);

void _start(void)
{
#if defined(__x86_64__)
    __asm__ volatile("syscall" : : "a"(231), "D"(0) : "rcx", "r11", "memory");
#elif defined(__aarch64__)
    register long number __asm__("x8") = 94;
    register long code __asm__("x0") = 0;
    __asm__ volatile("svc 0" : : "r"(number), "r"(code) : "memory");
#else
#error "exit_group of this processor"
#endif
    __builtin_unreachable();
}
