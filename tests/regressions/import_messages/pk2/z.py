import pk2
pk2.q
