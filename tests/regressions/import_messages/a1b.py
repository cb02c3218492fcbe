from a1 import y
