v = "m"
