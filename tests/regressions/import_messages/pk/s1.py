import pk.s2
