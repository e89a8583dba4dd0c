// Annotations of clang's thread-safety analysis (-Wthread-safety, an error in every clang build): which mutex guards
// which data is checked by the compiler instead of being said in a comment. Empty for other compilers.
// https://clang.llvm.org/docs/ThreadSafetyAnalysis.html
#pragma once

#if defined(__clang__)
#define PP_THREAD_ANNOTATION(x) __attribute__((x))
#else
#define PP_THREAD_ANNOTATION(x)
#endif

// Of classes.
/// A lock, or a role that a thread can have; `kind` is the word for it in diagnostics.
#define PP_CAPABILITY(kind) PP_THREAD_ANNOTATION(capability(kind))
/// Holds a capability from its constructor to its destructor.
#define PP_SCOPED_CAPABILITY PP_THREAD_ANNOTATION(scoped_lockable)

// Of data members.
#define PP_GUARDED_BY(x) PP_THREAD_ANNOTATION(guarded_by(x))
/// What the pointer points to is guarded, the pointer itself is not.
#define PP_PT_GUARDED_BY(x) PP_THREAD_ANNOTATION(pt_guarded_by(x))

// Of functions: what the caller must hold (or not), and what it holds afterwards.
#define PP_REQUIRES(...) PP_THREAD_ANNOTATION(requires_capability(__VA_ARGS__))
#define PP_EXCLUDES(...) PP_THREAD_ANNOTATION(locks_excluded(__VA_ARGS__))
#define PP_ACQUIRE(...) PP_THREAD_ANNOTATION(acquire_capability(__VA_ARGS__))
#define PP_RELEASE(...) PP_THREAD_ANNOTATION(release_capability(__VA_ARGS__))
/// Shared: any number of readers at once.
#define PP_ACQUIRE_SHARED(...) PP_THREAD_ANNOTATION(acquire_shared_capability(__VA_ARGS__))
#define PP_RELEASE_SHARED(...) PP_THREAD_ANNOTATION(release_shared_capability(__VA_ARGS__))
/// Ends the program when the caller does not hold it.
#define PP_ASSERT_CAPABILITY(x) PP_THREAD_ANNOTATION(assert_capability(x))
/// For what the analysis cannot follow. Say why beside it.
#define PP_NO_THREAD_SAFETY_ANALYSIS PP_THREAD_ANNOTATION(no_thread_safety_analysis)
