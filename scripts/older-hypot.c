// hypot and hypotf as every C library has had them. One of 2.35 or newer has a second version of them, which the linker would
// take, and which the C libraries before it don't have: the binary wouldn't start on these, for a difference (who sets errno)
// that nobody here looks at. scripts/release puts these in their place.
#if defined(__x86_64__)
#define FIRST "GLIBC_2.2.5"
#elif defined(__aarch64__)
#define FIRST "GLIBC_2.17"
#else
#error "scripts/older-hypot.c doesn't know which version of the C library was the first one here"
#endif

__asm__(".symver first_hypot, hypot@" FIRST);
__asm__(".symver first_hypotf, hypotf@" FIRST);
double first_hypot(double, double);
float first_hypotf(float, float);

double __wrap_hypot(double x, double y) { return first_hypot(x, y); }
float __wrap_hypotf(float x, float y) { return first_hypotf(x, y); }
