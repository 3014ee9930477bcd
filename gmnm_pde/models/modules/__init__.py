"""Any torch module as a model: looked at once, given derivatives and rows of Jacobians, and a readout if it has one."""
