early = "early"
import second
late = "late"
