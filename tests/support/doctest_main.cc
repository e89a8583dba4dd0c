// The entry of every doctest program that defines no main() of its own: it comes out of a static library.
#include <doctest/doctest.h>

int main(int argc, char** argv) { return doctest::Context(argc, argv).run(); }
