//! Turns a plan into the entries of the kernel's maps.
