import pk.n
