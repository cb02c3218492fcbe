import state
state.tries += 1
if state.tries < 3: raise RuntimeError(f"try {state.tries}")
ok = True
