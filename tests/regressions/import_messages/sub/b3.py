import b4
