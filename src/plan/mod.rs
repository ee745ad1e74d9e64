//! From two directories to a plan: the difference as typed changes, their order with its reasons, the
//! guards that judge it, and the saved plan with its digest.
