from b2 import x
