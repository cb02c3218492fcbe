import pk2.z
