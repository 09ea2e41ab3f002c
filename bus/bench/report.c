/** @file
 * The trace of a counterexample.
 *
 * Of plain accesses, of which there are many, only those are shown which the
 * verdict or a stale read speaks of.
 */
#include "bus/bench/report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bus/bench/location.h"

static const char *const fences[] = {
	[BENCH_RMB] = "smp_rmb()",
	[BENCH_WMB] = "smp_wmb()",
	[BENCH_MB] = "smp_mb()",
	[BENCH_MB_AFTER_SRCU] = "smp_mb__after_srcu_read_lock()",
	[BENCH_MB_AFTER_LOCK] = "smp_mb__after_spinlock()",
	[BENCH_C11_RELEASE] = "atomic_thread_fence(release)",
};

const char *report_fence(enum bench_fence fence)
{
	return fences[fence];
}

void report_find_line(struct event *e)
{
	char program[300], command[400], answer[300] = "", *colon;
	ssize_t length;
	FILE *pipe;

	if (e->where.file || !e->where.pc) {
		return;
	}
	length = readlink("/proc/self/exe", program, sizeof(program) - 1);
	program[length > 0 ? length : 0] = 0;
	snprintf(command, sizeof(command), "addr2line -e '%s' %p 2>/dev/null",
		 program, (void *)((char *)e->where.pc - 1));
	pipe = popen(command, "r");
	if (!pipe) {
		return;
	}
	if (!fgets(answer, sizeof(answer), pipe)) {
		answer[0] = 0;
	}
	pclose(pipe);
	colon = strrchr(answer, ':');
	if (colon) {
		*colon = 0;
		e->where.line = atoi(colon + 1);
		e->where.file = strdup(answer);
	}
}

const char *report_place(const struct bench_where *where)
{
	static char buffer[4][60];
	static unsigned int next;
	char *text = buffer[next++ % 4];
	const char *slash;

	if (!where->file) {
		return "?";
	}
	slash = strrchr(where->file, '/');
	snprintf(text, 60, "%s:%d", slash ? slash + 1 : where->file,
		 where->line);
	return text;
}

/** Cut blanks before, a comment behind, and the line's end. */
static char *trim(char *line)
{
	char *comment = strstr(line, "/*");
	size_t length;

	while (*line == ' ' || *line == '\t') {
		line++;
	}
	if (comment && comment > line) {
		*comment = 0;
	}
	length = strcspn(line, "\n");
	while (length && strchr(" \t", line[length - 1])) {
		length--;
	}
	line[length] = 0;
	return line;
}

static void print_source(const struct bench_where *where)
{
	FILE *file = where->file ? fopen(where->file, "r") : NULL;
	char line[300];
	int number = 0;

	if (!file) {
		return;
	}
	while (fgets(line, sizeof(line), file)) {
		if (++number == where->line) {
			printf("%41s| %s\n", "", trim(line));
			break;
		}
	}
	fclose(file);
}

/** Whether a text says "step N". */
static bool says_step(const char *text, int number)
{
	char words[20];
	const char *found;
	int length = snprintf(words, sizeof(words), "step %d", number);

	found = strstr(text, words);
	return found && (found[length] < '0' || found[length] > '9');
}

static bool matters(int number)
{
	struct event *e = &bench->event[number];
	bool plain = e->kind == PLAIN_READ || e->kind == PLAIN_WRITE;

	if (!e->thread) { /* prepare and finish: only where they fail */
		return !bench->failed_thread && number == bench->events - 1;
	}
	if (!plain || e->odd || number == bench->events - 1 ||
	    says_step(bench->why, number + 1)) {
		return true;
	}
	for (int i = number + 1; i < bench->events; i++) {
		int newer = bench->event[i].newer;

		if (newer && bench->store[newer].event == number) {
			return true;
		}
	}
	return false;
}

static const char *const words[] = {
	[LOAD] = "READ", [STORE] = "WRITE", [RMW] = "CHANGE",
	[PLAIN_READ] = "read", [PLAIN_WRITE] = "write", [LOCK] = "lock",
	[UNLOCK] = "unlock", [SECTION_BEGIN] = "srcu_read_lock",
	[SECTION_END] = "srcu_read_unlock",
	[GRACE_BEGIN] = "grace period begins",
	[GRACE_END] = "grace period ends", [CALL] = "call_srcu queued",
	[ALLOC] = "allocate", [FREE] = "free", [FENCE] = "",
};

static void print_effect(const struct event *e)
{
	const char *value = location_value(e->value);
	const char *target = e->location < 0 ? "" :
		location_text(bench->location[e->location].address);

	printf("%s", words[e->kind]);
	if (e->kind == FENCE) {
		printf("%s", fences[e->value]);
	} else if (e->kind == ALLOC || e->kind == FREE) {
		printf(" %s", value);
	} else if (e->location >= 0) {
		bool reads = e->kind == LOAD || e->kind == PLAIN_READ;
		bool release = e->kind == STORE &&
			       e->where.kind == BENCH_RELEASE;

		printf("%s %s %s %s%s", release ? "(release)" : "", target,
		       reads ? "->" : "=", value,
		       e->kind == STORE && e->odd ?
			       "  (lands before a store already made)" : "");
	}
	printf("\n");
}

static void print_stale(const struct event *e)
{
	struct store *newer = &bench->store[e->newer];

	if (!e->newer || newer->event < 0) {
		return;
	}
	printf("%41s^ STALE: %s had already stored %s at step %d\n", "",
	       bench->fiber[newer->thread].job.name,
	       location_value(newer->value), newer->event + 1);
}

void report_trace(void)
{
	printf("      step  thread     where              effect, source\n");
	for (int i = 0; i < bench->events; i++) {
		struct event *e = &bench->event[i];

		if (!matters(i)) {
			continue;
		}
		report_find_line(e);
		printf("      %4d  %-9s  %-17s  ", i + 1,
		       e->thread ? bench->fiber[e->thread].job.name : "alone",
		       e->where.file ? report_place(&e->where) : "");
		print_effect(e);
		print_source(&e->where);
		print_stale(e);
	}
}
