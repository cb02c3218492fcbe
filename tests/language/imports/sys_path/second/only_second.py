where = "second only"
