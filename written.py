v = 'made at run time'
