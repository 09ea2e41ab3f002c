"""The Python behind tools/: launching machines, reading results, grading.

From the bottom: common (sentences instead of tracebacks), multiboot (what a boot
loader hands over), qemu and bochs (how each emulator is started), request and machine
(running one), tap (its results), labs (lab.conf), model (a grade), build (make), uses
(what a lab may use), grader (all of it together), writers, session, exits, wrong.
"""
