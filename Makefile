# exit49 - the one Makefile. `make help` lists what it can do.
#
# build/exit49.elf     the hypervisor, multiboot 1, what QEMU, Bochs and GRUB load
# build/exit49.sym.elf the same linked image as 64-bit ELF with debug information
# build/guest-tests/   the guest programs, handed over as multiboot modules
# build/obj/           objects; nothing in it depends on the lab that is linked
#
# How the image is put together stands in hv/build.mk, the guest programs in
# guest-tests/build.mk; the host tests have a makefile of their own, tools/check/host.mk.

ifneq ($(filter 3.% 4.0% 4.1 4.1.%,$(MAKE_VERSION)),)
$(error GNU Make $(MAKE_VERSION) is too old, 4.2 is needed: on a Mac say `brew install \
	make`, then gmake in place of make)
endif

# Where the host's own compiler makes nothing for this machine, one that does.
HOST := $(shell uname -sm)
CROSS ?= $(if $(filter Darwin,$(HOST)),x86_64-elf-,$(if \
	$(filter aarch64,$(HOST)),x86_64-linux-gnu-))
ifeq ($(origin CC),default)
CC = $(CROSS)gcc
endif
LD = $(CROSS)ld
OBJCOPY = $(CROSS)objcopy

# LAB=N links labs/labN-*/ in place of the reference solution, LAB=all every lab
# that exists. SRC=solutions keeps the reference. LABn_DIR=DIR takes lab n's file
# from DIR. OUT is where a variant is linked, so that variants never mix.
# LABS=mine is another word for every lab's file of yours, LABS=solutions for none.
ifeq ($(LABS),mine)
LAB ?= all
OUT ?= build/mine
else ifneq ($(filter-out solutions,$(LABS)),)
$(error LABS=$(LABS) is not known: say LABS=mine or LABS=solutions)
endif
LAB ?=
SRC ?= $(if $(LAB),labs,solutions)
MACHINE ?= qemu
# EPT=0 is another word for MODE=shadow, UG=0 for MODE=noug.
$(foreach word,EPT UG,$(if $(filter-out 0 1,$($(word))),$(error \
	$(word)=$($(word)) is not known: say $(word)=0 or $(word)=1)))
MODE ?= $(if $(filter 0,$(EPT)),shadow,$(if $(filter 0,$(UG)),noug))
TEST ?= *
flavour := $(if $(filter $(CROSS)gcc,$(CC)),,/$(notdir $(CC)))
BUILD := build$(flavour)
OUT ?= $(BUILD)
OBJ := $(BUILD)/obj

# Quiet by default: V=1 shows the commands, -s nothing at all.
Q := $(if $(filter 1,$(V)),,@)
silent = $(findstring s,$(firstword -$(MAKEFLAGS)))
say = @$(if $(or $(silent),$(filter 1,$(V))),:,printf '  %-8s%s\n' '$1' '$2')

# $(call record,FILE,TEXT) rewrites FILE only if it holds another text: what depends
# on FILE is remade exactly when the text (flags, a list of objects) has changed.
differ = $(subst x$1x,,x$2x)$(subst x$2x,,x$1x)
record = $(if $(call differ,$(strip $(file <$1)),$(strip $2)),$(shell mkdir -p \
	$(dir $1))$(file >$1,$(strip $2)))

# Fields that an initializer leaves out are 0, and meant to be.
WARNINGS := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes \
	-Wmissing-prototypes -Wundef -Wswitch-enum -Wno-missing-field-initializers
BASE_CFLAGS := -std=gnu11 -g -I. $(WARNINGS)
BARE_CFLAGS := $(BASE_CFLAGS) -O2 -ffreestanding -mno-red-zone \
	-mgeneral-regs-only -mcx16 -fno-pic -fno-pie -fno-stack-protector \
	-fno-omit-frame-pointer -fno-strict-aliasing -fno-asynchronous-unwind-tables

# What the tools below read from their environment.
export LAB SRC MACHINE MODE TEST V JSON APPEND PORT CROSS GUEST INITRD MEM CPUS

.DEFAULT_GOAL := image
.DELETE_ON_ERROR:
.SUFFIXES:
MAKEFLAGS += --no-builtin-rules
ifeq ($(MAKELEVEL),0)
MAKEFLAGS += -j$(or $(shell nproc 2>/dev/null || sysctl -n hw.ncpu),2)
endif

# Say it once, not for each file; what installs or explains must work without.
ifeq ($(shell mkdir -p build 2>/dev/null; test -d build -a -w build && echo yes),)
$(error build/ cannot be written here: copy the tree to a folder where you may write)
endif
need = $(if $(shell command -v $1),,$(error $1 is not installed: run tools/deps build))
ifneq ($(filter image guests iso trace run linux qemu bochs bench,$(or $(MAKECMDGOALS),image)),)
$(call need,$(firstword $(CC)))
endif
ifneq ($(filter grade trace run linux qemu bochs bench gdb doctor,$(MAKECMDGOALS)),)
$(call need,python3)
endif

include hv/build.mk guest-tests/build.mk guest-tests/kernel/build.mk

##@ Building
.PHONY: image guests iso
image: $(OUT)/exit49.elf ## the hypervisor (LAB=1|all, SRC=labs|solutions, OUT=dir, CC=clang)
guests: $(GUESTS) $(KERNELS) ## the guest programs
iso: $(OUT)/exit49.iso ## a GRUB disc with the hypervisor and the guests

##@ Learning
.PHONY: demo grade host trace docs
demo: ## install what is missing, build, grade the reference solutions
	@tools/deps --quiet build qemu
	@tools/grade --lab all --src $(if $(UNSOLVED_LABS),labs,solutions)
grade: ## grade a lab (LAB=1|all, SRC=, MACHINE=qemu|bochs|kvm, MODE=ept|shadow|noug, CPUS=, V=1)
	@tools/grade
host: ## your file's functions, no VM: sanitizers, lab 5's barrier bench (LAB=1 or SRCU=FILE)
	@SRCU=$(SRCU) tools/check/host $(or $(HOSTCC),gcc) $(LAB)
trace: image guests ## run tests, print the last events of each as trace-cmd does (LAB=, TEST=)
	@OUT=$(OUT) tools/run trace
docs: ## the manual as HTML, in build/docs/html/index.html
	@docs/build

##@ Machines
.PHONY: run linux qemu qemu-gdb gdb bochs bochs-debug bench bench-softvmx doctor
qemu: image guests ## boot under QEMU, both consoles on the terminal
	@OUT=$(OUT) tools/run qemu
qemu-gdb: ## the same, stopped before it begins, waiting for `make gdb` (LAB=, TEST=, PORT=)
	@tools/gdb/start free
	@$(MAKE) -s --no-print-directory image guests
	@OUT=$(OUT) tools/gdb/start qemu
gdb: ## GDB with the `hv` commands, attached to `make qemu-gdb` (docs/debugging.md)
	@OUT=$(OUT) tools/gdb/start gdb
bochs: image guests ## boot under Bochs
	@OUT=$(OUT) tools/run bochs
bochs-debug: image guests ## boot in Bochs' own debugger, with symbols (LAB=, TEST=)
	@OUT=$(OUT) tools/gdb/start bochs
bench: image guests ## count instructions a row against Linux KVM, build/bench.json
	@tools/bench
bench-softvmx: image ## what the VMX unit in software costs, against its limits
	@tools/bench-softvmx
run: image ## a kernel of yours (GUEST=file INITRD= APPEND= MEM= CPUS= DEV= DISK= MACHINE= LABS=)
	@OUT=$(OUT) tools/run-guest
linux: image ## Debian's Linux to a shell, fetched first (CPUS= MEM= ROOT=disk CONSOLE= LABS=mine)
	@OUT=$(OUT) tools/linux
doctor: ## say which machine will be used and why, and what is missing
	@tools/doctor

##@ Checking
.PHONY: check check-quick check-long format fuzz fuzz-guest
TIME ?= 600

check: ## install what is needed, then everything on both machines
	@command -v python3 >/dev/null || tools/deps build
	@tools/check/run --install
check-quick: ## the parts that take seconds
	@tools/check/run --quick
check-long: ## Linux in every other way, and what else takes long (an hour)
	@tools/check/run --install --long
check-%: ## one part (tools/check/run --list names them)
	@tools/check/run $*
fuzz: ## the emulator on random instructions, TIME=600 seconds (libFuzzer, sanitizers)
	@tools/check/fuzz $(TIME)
fuzz-guest: ## random instructions in a guest, on memory and a device (MACHINE=, TIME=)
	@tools/check/diff $(MACHINE) 20000 $(TIME)
format: ## tidy line ends; layout is left to the writer (.clang-format is for editors)
	@tools/check/format --fix

##@ Everything else
.PHONY: clean help
print-%:
	@echo '$($*)'
clean: ## remove build/
	$(Q)rm -rf build
help: ## this list
	@awk 'BEGIN { FS = ":.*## " } /^##@ / { printf "\n%s\n", substr($$0, 5) } \
		/^[a-z%-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' Makefile
