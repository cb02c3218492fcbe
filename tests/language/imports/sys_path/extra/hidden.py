v = "found"
