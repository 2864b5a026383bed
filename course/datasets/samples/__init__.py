"""What needs no download: `digits` (scikit-learn's), `hands` (drawn), `houses` (made up), `brains`.

The first three are fetched by `load_data(source="sample")` of the data set they stand in for;
`brains`, heads with tumours that the kit makes, by `brats.open_cases("sample")`, as files that the
reader of BraTS reads. Figures and reports say so in their titles (`catalog.origin`).
"""
