import a2; a2.y
