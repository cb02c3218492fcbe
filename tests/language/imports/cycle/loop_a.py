from loop_b import b
a = 1
