/*
 * For the sandbox of workflows, evaluated there before any of them. The SDK takes the stack of every
 * promise, for the query `__stack_trace`: a third of the processor time of workflow code.
 */
Error.stackTraceLimit = 0
