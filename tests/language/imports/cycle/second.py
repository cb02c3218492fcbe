import first
seen = (first.early, hasattr(first, "late"))
def get_late(): return first.late
