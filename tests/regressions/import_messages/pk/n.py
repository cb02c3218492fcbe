import pk.m
pk.m.x
