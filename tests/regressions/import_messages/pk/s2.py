import pk
pk.s1
