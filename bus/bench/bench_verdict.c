/** @file
 * What a scenario says of its execution.  A panic() of the code on the bench
 * is bench_fail() by another name; its printf() is bench_printf(), for nobody
 * could read what ten thousand executions print.
 */
#include "bus/bench/bench.h"

#include <stdarg.h>
#include <stdio.h>

#include "bus/bench/fiber.h"
#include "bus/bench/model.h"

void bench_fail(const char *format, ...)
{
	va_list list;

	if (!bench->failed) {
		va_start(list, format);
		vsnprintf(bench->why, sizeof(bench->why), format, list);
		va_end(list);
		bench->failed_thread = bench->now;
		bench->failed = true;
	}
	fiber_end_execution();
}

int bench_printf(const char *format, ...)
{
	(void)format;
	return 0;
}

void bench_name(const volatile void *p, size_t bytes, const char *name)
{
	for (int i = 0; i < bench->names; i++) {
		if (bench->name[i].address == (uintptr_t)p) {
			return;
		}
	}
	if (bench->names < NAMES) {
		bench->name[bench->names++] =
			(struct name){ (uintptr_t)p, bytes, name };
	}
}

void bench_hit(void)
{
	bench->hit = true;
}
