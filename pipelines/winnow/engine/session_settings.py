"""What every session of Spark is set to, whoever started it."""

OF_ANY_SPARK = {
    # Spark's default is the zone of the JVM; a date must not move with the machine.
    "spark.sql.session.timeZone": "UTC",
    # The default, INT96, cannot be read back exactly by every reader of staged Parquet.
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
    # Otherwise reading single files with a basePath turns text folders into dates.
    "spark.sql.sources.partitionColumnTypeInference.enabled": "false",
    "spark.sql.execution.arrow.pyspark.enabled": "true",
    # The kernel works on whole users; larger batches mean fewer crossings between JVM and Python.
    "spark.sql.execution.arrow.maxRecordsPerBatch": "100000",
    # Any other limit makes Spark add up the bytes of the whole batch again for each row of it,
    # which takes quadratic time for lists. The limit of rows above keeps batches small.
    "spark.sql.execution.arrow.maxBytesPerBatch": str(2**31 - 1),
}
"""They can be set while a session runs; rows, or their speed, depend on them."""
