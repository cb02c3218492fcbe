from a1b import x
