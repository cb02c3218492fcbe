import a2b
