import b3; b3.zz
