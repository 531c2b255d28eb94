"""Training: `fit` a model to data, watch it, stop and resume it, and ask what it has learned.

    optimizer = Optimizer(model, "adam", lr=1e-3)
    history = fit(model, (x, y), optimizer=optimizer, epochs=10, validation=(x_val, y_val), callbacks=[Bar()], rng=rng)
    predict(model, x_new).argmax(axis=1)

`with DataParallel(model) as team:` lets all processors share each batch.

`python -m course.train` trains LeNet-5 on translated digits.
"""

from course.train.callbacks import Bar, Callback, Event
from course.train.curves import LiveCurves, curves
from course.train.evaluation import Trainable, accuracy, evaluate, predict
from course.train.fitting import fit
from course.train.history import History
from course.train.parallel import DataParallel

__all__ = [
    "Bar", "Callback", "DataParallel", "Event", "History", "LiveCurves", "Trainable", "accuracy", "curves",
    "evaluate", "fit", "predict",
]  # fmt: skip
