"""Facts and scores on a cluster: the core in the workers of Spark, with the bits of one machine."""

from grc_fast.spark.facts import SparkFacts, facts
from grc_fast.spark.fit import fit
from grc_fast.spark.score import score

__all__ = ["SparkFacts", "facts", "fit", "score"]
