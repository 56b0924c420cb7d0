"""The kernels that decide samples: plain loops over arrays, without Spark and without I/O."""
