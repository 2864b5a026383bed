"""A made-up table that stands in for California housing; its noise is known, so is the best score.

Same columns, units, categories and missing values. The value of a district is `true_value` of its
columns plus noise that no column explains.
"""

import numpy as np

NOISE_STD = 0.35  # in 100,000 dollars, normal, the same everywhere
VALUE_STD = 1.139  # of the target, measured on a million rows
BEST_R2 = round(1 - (NOISE_STD / VALUE_STD) ** 2, 3)  # what knowing `true_value` scores

# the coast, as the longitude of the water's edge at a latitude
_LATITUDE = (32.5, 34.0, 34.5, 36.6, 37.8, 39.0, 42.0)
_LONGITUDE = (-117.2, -118.6, -120.6, -121.9, -122.5, -123.7, -124.3)
# where people live: longitude, latitude, spread in degrees, share
_TOWNS = np.array(
    [
        (-122.2, 37.7, 0.35, 0.24),
        (-118.2, 34.0, 0.40, 0.38),
        (-117.0, 32.9, 0.25, 0.12),
        (-121.3, 38.5, 0.50, 0.14),
        (-119.6, 36.6, 0.60, 0.12),
    ]
)


def draw(rows=8000, seed=0):
    """Make up a table of so many districts; the same seed draws the same.

    Returns `(columns, values)`: the columns of `california.load_data` as a dict of arrays
    `(rows,)`, and the target, float32 `(rows,)`, in 100,000 dollars.
    """
    rng = np.random.default_rng(seed)
    longitude, latitude = _places(rows, rng)
    inland = _inland(longitude, latitude)
    income = np.exp(rng.normal(1.2 + 0.25 * np.exp(-inland), 0.42)).clip(0.5, 15)
    households = np.exp(rng.normal(6.0, 0.65, rows)).round().clip(5, 6000)
    rooms = (households * (4 + 0.3 * income + rng.normal(0, 0.7, rows)).clip(1.5, 14)).round()
    bedrooms = (households * rng.normal(1.07, 0.08, rows).clip(0.7, 2)).round()
    bedrooms[rng.random(rows) < 0.01] = np.nan  # as in the real table, for no reason
    people = (households * np.exp(rng.normal(1.03, 0.24, rows)).clip(1, 8)).round()
    table = {
        "longitude": longitude,
        "latitude": latitude,
        "housing_median_age": rng.integers(1, 53, rows),
        "total_rooms": rooms,
        "total_bedrooms": bedrooms,
        "population": people,
        "households": households,
        "median_income": income.round(4),
    }
    columns = {name: np.asarray(column, "float32") for name, column in table.items()}
    columns["ocean_proximity"] = _proximity(longitude, latitude, inland, rng)
    values = true_value(columns) + rng.normal(0, NOISE_STD, rows)
    return columns, values.astype("float32")


def true_value(columns):
    """What a perfect model would predict of `draw`'s columns: the values without their noise."""
    number = {k: np.asarray(v, "float64") for k, v in columns.items() if k != "ocean_proximity"}
    inland = _inland(number["longitude"], number["latitude"])
    near_bay, near_angeles = (
        np.exp(-((number["longitude"] - x) ** 2 + (number["latitude"] - y) ** 2) / spread)
        for x, y, spread, _ in _TOWNS[:2]
    )
    earns = np.tanh(number["median_income"] / 6)
    place = 1.3 * np.exp(-inland / 0.3) + 1.0 * near_bay + 0.7 * near_angeles
    people = number["population"] / number["households"]
    rooms = np.tanh(number["total_rooms"] / number["households"] - 5)
    old_or_new = ((number["housing_median_age"] - 28) / 24) ** 2  # both are dear
    island = np.asarray(columns["ocean_proximity"]) == "ISLAND"
    value = 1.0 + 1.2 * earns + place * (0.3 + 2 * earns) + 0.5 * old_or_new + island
    return value + 0.2 * rooms - 0.3 * np.tanh(people - 2.8)


def _places(rows, rng):
    """Longitude and latitude in degrees, two decimals as in the real table."""
    town = _TOWNS[rng.choice(len(_TOWNS), rows, p=_TOWNS[:, 3])]
    longitude = rng.normal(town[:, 0], town[:, 2])
    latitude = rng.normal(town[:, 1], 0.7 * town[:, 2]).clip(32.5, 42)
    shore = np.interp(latitude, _LATITUDE, _LONGITUDE)
    longitude = shore + np.abs(longitude - shore)  # who fell into the sea is moved ashore
    return longitude.round(2).clip(-124.3, -114.3), latitude.round(2)


def _inland(longitude, latitude):
    """Degrees from the water's edge."""
    return np.maximum(longitude - np.interp(latitude, _LATITUDE, _LONGITUDE), 0)


def _proximity(longitude, latitude, inland, rng):
    names = np.where(inland < 1.1, "<1H OCEAN", "INLAND").astype(object)
    names[inland < 0.12] = "NEAR OCEAN"
    names[np.hypot(longitude + 122.3, latitude - 37.8) < 0.35] = "NEAR BAY"
    names[rng.random(len(names)) < 0.001] = "ISLAND"
    return names
