/*
 * switch.h - change of stacks, the machine part of a context switch.
 *
 * Owns: callee-saved registers and the stack pointer. Not here: address space, FPU, accounting
 *       (kernel/sched).
 */
#ifndef KERNEL_X86_SWITCH_H
#define KERNEL_X86_SWITCH_H

#include "kernel/base/compiler.h"

/*
 * stack_switch - save the running context in *@save_sp, continue the one saved in @next_sp.
 *
 * @arg:     handed to the continued context: its stack_switch() returns it, or its first function
 *           gets it
 * Context:  interrupts off
 * Returns:  when somebody switches back; the @arg of that call (by habit: the thread that ran
 *           before)
 */
void *stack_switch(unsigned long *save_sp, unsigned long next_sp, void *arg);

/*
 * stack_prepare - lay out a fresh context on a stack.
 *
 * @high:    end of the stack, 16-byte aligned
 * @entry:   first function, called as @entry(arg of the switch, @data); must not return
 * Returns:  the value for @next_sp
 */
unsigned long stack_prepare(void *high, void (*entry)(void *from, void *data), void *data);

/*
 * Run @fn(@arg) on the stack that ends at @high (16-byte aligned), and come back. @fn is a constant
 * of the program: the call is a direct one. The frame stays linked: backtraces go through.
 */
static __always_inline void stack_call(void *high, void (*fn)(void *arg), void *arg)
{
	__asm__ volatile("movq %%rsp, %%rbx\n\t"
			 "movq %[high], %%rsp\n\t"
			 "call %P[fn]\n\t"
			 "movq %%rbx, %%rsp"
			 : "+D"(arg), [high] "+a"(high)
			 : [fn] "i"(fn)
			 : "rbx", "rcx", "rdx", "rsi", "r8", "r9", "r10", "r11", "memory", "cc");
}

#endif
