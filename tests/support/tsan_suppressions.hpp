#pragma once

#if defined(__SANITIZE_THREAD__)
/// ThreadSanitizer does not understand fences. moodycamel's queue orders a block's reuse by one (Block::is_empty),
/// so that a dequeue and the enqueue that reuses its slot look like a race. One file of a program includes this.
extern "C" const char* __tsan_default_suppressions();
extern "C" const char* __tsan_default_suppressions() { return "race:moodycamel::ConcurrentQueue\n"; }
#endif
