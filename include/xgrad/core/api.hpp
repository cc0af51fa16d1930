#pragma once
/// What the compiled library shows to programs that link with it. The macro stands on functions, on exception types and on
/// thread-local state, never on whole classes: a class exported whole would export its inline members too.

#define XGRAD_VERSION_MAJOR 0
#define XGRAD_VERSION_MINOR 2
#define XGRAD_VERSION_PATCH 0

#if defined(__GNUC__)
#define XGRAD_API __attribute__((visibility("default")))
#else
#define XGRAD_API
#endif
