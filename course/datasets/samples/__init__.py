"""What needs no download: `digits` (scikit-learn's), `hands` (drawn), `houses` (made up).

Each is fetched by `load_data(source="sample")` of the data set it stands in for; figures and
reports say so in their titles (`course.catalog.origin`).
"""
