from loop_a import a
b = 2
