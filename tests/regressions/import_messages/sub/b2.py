from b1 import x
