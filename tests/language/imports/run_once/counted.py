print("running counted")
n = 1
