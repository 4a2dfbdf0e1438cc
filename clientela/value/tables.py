"""The tables that the step behind the forecasts leaves in schema `forecast`, each of one grain.

Only names and types are here, so that they can be made without loading what forecasts. All of them can be dropped at any
time: the next night fills them again. `made_from` is the fingerprint of what a day's figures were made from.
"""

_DAY = "made_from varchar, measured_on date, is_as_of boolean"
_FIGURES = (
    "expected_orders double, expected_orders_p10 double, expected_orders_p50 double, expected_orders_p90 double, "
    "expected_value double, expected_value_p10 double, expected_value_p50 double, "
    "expected_value_p90 double"
)
_MODELS = "order_model varchar, spend_model varchar, contract_model varchar"
_SCORES = (
    "customers bigint, actual_total double, expected_total double, error_in_total double, rmse double, mae double, "
    "spearman double, top_decile_share double, calibration_error double, mean_poisson_deviance double, "
    "mean_squared_error double"
)

FORECAST_TABLES: dict[str, str] = {
    # one row per customer known on a measured day
    "customers": (
        f"{_DAY}, customer_id bigint, p_alive double, p_alive_model varchar, p_alive_reason varchar, "
        f"p_no_order_3m double, p_no_order_6m double, p_no_order_12m double, p_no_order double, {_FIGURES}, "
        "expected_contract_value double, expected_value_per_order double, "
        "expected_value_given_order double, median_days_to_next_order double, p_order_within_30_days double, "
        f"p_order_within_90_days double, decile bigint, horizon_months bigint, {_MODELS}, fallback_reason varchar, "
        "season varchar, is_left_truncated boolean"
    ),
    # one row per group of customers (segmentation and label) of the as-of day: the sum with its interval
    "groups": (f"{_DAY}, segmentation varchar, segment varchar, customers bigint, {_FIGURES}, horizon_months bigint"),
    # one row per scored horizon and customer or group: what is frozen
    "predictions": (
        f"{_DAY}, horizon_months bigint, segmentation varchar, segment varchar, customer_id bigint, cohort varchar, "
        f"decile bigint, customers bigint, {_FIGURES}, {_MODELS}"
    ),
    # one row per past day, scored horizon that is over by the as-of day, and customer known then: what would have been predicted
    "past_predictions": (
        f"{_DAY}, horizon_months bigint, customer_id bigint, cohort varchar, decile bigint, expected_orders double, "
        "expected_value double, order_model varchar"
    ),
    # one row per candidate and rolling origin (origin_on null: over all) that it was scored at
    "scores": (
        f"{_DAY}, origin_on date, target varchar, candidate varchar, model_used varchar, holdout_days bigint, {_SCORES}, "
        "is_chosen boolean, reason varchar, fallback_reason varchar"
    ),
    # one row per tenure: how often renewals came true as the chosen candidate foresaw them
    "calibrations": (
        f"{_DAY}, target varchar, candidate varchar, tenure varchar, holdout_days bigint, customers bigint, "
        "actual_total double, expected_total double, error_in_total double, mean_squared_error double"
    ),
    # one row per origin and level (customers, groups): how intervals did
    "intervals": (
        f"{_DAY}, origin_on date, horizon_months bigint, target varchar, level varchar, customers bigint, "
        "calibrated_coverage double, raw_coverage double"
    ),
    # one row per comparison of candidates: which single one is preferred until the next month-end
    "choices": (
        f"{_DAY}, holdout_days bigint, order_model varchar, order_reason varchar, spend_model varchar, spend_reason varchar"
    ),
    # one row per published horizon: what is used for it, and what lies around it
    "horizons": (
        f"{_DAY}, horizon_months bigint, holdout_days bigint, first_origin_on date, last_origin_on date, origins bigint, "
        "is_shorter boolean, order_model varchar, formula varchar, weights varchar, best_single varchar, level double, "
        "looks double, dispersion_intercept double, dispersion_slope double, dispersion_of_sums double, "
        "level_error_of_orders double, level_error_of_money double, shape_error double, degrees double, reason varchar"
    ),
    # one row per horizon and candidate: how P(no order) did at the last origin of that length
    "no_order_scores": (
        f"{_DAY}, origin_on date, horizon_months bigint, candidate varchar, customers bigint, share_without_order double, "
        "mean_probability double, brier double, auc double, top_decile_lift double"
    ),
    # one row per horizon, candidate and tenth of the customers by P(no order): its calibration at that origin
    "no_order_deciles": (
        f"{_DAY}, origin_on date, horizon_months bigint, candidate varchar, decile bigint, customers bigint, "
        "mean_probability double, share_without_order double, lift double, is_inside_interval boolean"
    ),
    # one row per fitted parameter
    "parameters": (
        f"{_DAY}, component varchar, model varchar, parameter varchar, value double, standard_error double, "
        "customers bigint, reason varchar"
    ),
    # one row per measured day whose rows above are whole; written last
    "days": f"{_DAY}",
}

#: what this run settles, until memory takes it: the month-ends, and what was learnt at each
SETTLED_TABLES: dict[str, str] = {
    "settled_month_ends": (
        "month_end date, cause varchar, reason varchar, changed_share double, replaced_run_id varchar, models varchar, "
        "counts varchar, run_id varchar"
    ),
    "settled_fits": "month_end date, part varchar, fit varchar, settled_run_id varchar, run_id varchar",
}
