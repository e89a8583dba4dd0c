"""Tests in Python. The unit tests under unit/ are C++ and run by meson."""
