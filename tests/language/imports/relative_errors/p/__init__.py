from . import m
def beyond():
    from ... import q
