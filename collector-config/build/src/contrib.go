//go:build contrib

// Stand-ins for the contrib components that our configs name, so that `validate` can check such a config without contrib:
// the pipelines, references and environment of the whole file, the core components' keys in full, and of the contrib
// components the keys of the first level. They do nothing.
package main

import (
	"context"
	"fmt"
	"slices"
	"sort"
	"strings"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/connector"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/extension"
	"go.opentelemetry.io/collector/otelcol"
	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/collector/receiver"
)

const (
	sending   = " sending_queue retry_on_failure timeout"
	overHTTP  = sending + " endpoint tls headers auth compression proxy_url read_buffer_size write_buffer_size max_idle_conns"
	sampling  = "decision_wait num_traces expected_new_traces_per_sec policies decision_cache sample_on_first_match"
	listening = " endpoint tls cors auth"
)

// The keys of each component's first level, of contrib 0.152.
var receivers = map[string]string{
	"hostmetrics":  "collection_interval initial_delay timeout root_path scrapers metadata_collection_interval",
	"kubeletstats": "collection_interval auth_type endpoint insecure_skip_verify metric_groups extra_metadata_labels metrics k8s_api_config node",
	"prometheus":   "config trim_metric_suffixes target_allocator report_extra_scrape_metrics api_server ignore_metadata",
}

var processors = map[string]string{
	"attributes":        "actions include exclude",
	"cumulativetodelta": "include exclude initial_value max_staleness",
	"filter":            "error_mode traces metrics logs trace_conditions metric_conditions log_conditions",
	"k8sattributes":     "auth_type passthrough extract filter pod_association exclude wait_for_metadata wait_for_metadata_timeout deployment_name_from_replicaset",
	"resource":          "attributes",
	"resourcedetection": "detectors timeout override system docker gcp ec2 eks ecs azure aks k8snode env refresh_interval",
	"tail_sampling":     sampling,
	"transform":         "error_mode trace_statements metric_statements log_statements profile_statements flatten_data",
}

var exporters = map[string]string{
	"awscloudwatchlogs":       "region log_group_name log_stream_name log_retention tags raw_log role_arn max_retries" + sending,
	"awsemf":                  "region namespace log_group_name log_stream_name log_retention dimension_rollup_option metric_declarations metric_descriptors resource_to_telemetry_conversion detailed_metrics retain_initial_value_of_delta_metric version output_destination role_arn",
	"awsxray":                 "region index_all_attributes indexed_attributes aws_log_groups telemetry role_arn num_workers request_timeout_seconds max_retries no_verify_ssl local_mode proxy_address endpoint",
	"azuremonitor":            "connection_string instrumentation_key maxbatchsize maxbatchinterval spaneventsenabled custom_events_enabled endpoint" + sending,
	"clickhouse":              "endpoint username password database connection_params create_schema compress async_insert ttl cluster_name table_engine logs_table_name traces_table_name metrics_tables json tls" + sending,
	"datadog":                 "api hostname metrics traces logs host_metadata only_metadata tls hostname_detection_timeout" + sending,
	"file":                    "path rotation format encoding append compression flush_interval group_by",
	"googlecloud":             "project user_agent trace metric log impersonate destination_project_quota" + sending,
	"googlemanagedprometheus": "project user_agent metric impersonate untyped_double_export" + sending,
	"loadbalancing":           "protocol resolver routing_key routing_attributes" + sending,
	"prometheus":              "namespace const_labels send_timestamps metric_expiration add_metric_suffixes translation_strategy enable_open_metrics resource_to_telemetry_conversion resource_constant_labels" + listening,
	"prometheusremotewrite":   "endpoint namespace external_labels headers tls remote_write_queue resource_to_telemetry_conversion target_info add_metric_suffixes translation_strategy wal protobuf_message max_batch_size_bytes" + sending,
	"signalfx":                "access_token realm ingest_url api_url send_otlp_histograms sync_host_metadata exclude_metrics include_metrics translation_rules correlation" + overHTTP,
	"splunk_hec":              "token source sourcetype index splunk_app_name log_data_enabled profiling_data_enabled max_content_length_logs disable_compression hec_metadata_to_otel_attrs otel_attrs_to_hec_metadata" + overHTTP,
}

var extensions = map[string]string{
	"basicauth":       "htpasswd client_auth",
	"bearertokenauth": "scheme token tokens filename header",
	"file_storage":    "directory timeout compaction fsync create_directory directory_permissions recreate",
	"health_check":    "path response_body check_collector_pipeline http" + listening,
}

var connectors = map[string]string{
	"datadog":     "traces",
	"spanmetrics": "histogram dimensions exclude_dimensions metrics_flush_interval metrics_expiration aggregation_temporality namespace exemplars events",
}

type settings struct{ known []string }

func (s *settings) Unmarshal(conf *confmap.Conf) error {
	var unknown []string
	for key := range conf.ToStringMap() {
		if !slices.Contains(s.known, key) {
			unknown = append(unknown, key)
		}
	}
	if unknown != nil {
		sort.Strings(unknown)
		return fmt.Errorf("'contrib' has invalid keys: %s", strings.Join(unknown, ", "))
	}
	return nil
}

func keys(known string) component.CreateDefaultConfigFunc {
	return func() component.Config { return &settings{strings.Fields(known)} }
}

type idle struct {
	component.StartFunc
	component.ShutdownFunc
}
type traces struct {
	idle
	consumer.Traces
}
type metrics struct {
	idle
	consumer.Metrics
}
type logs struct {
	idle
	consumer.Logs
}

var nowhere = consumertest.NewNop()

const beta = component.StabilityLevelBeta

func init() {
	addStandIns = func(f *otelcol.Factories) {
		for name, known := range receivers {
			f.Receivers[component.MustNewType(name)] = standInReceiver(component.MustNewType(name), known)
		}
		for name, known := range processors {
			f.Processors[component.MustNewType(name)] = standInProcessor(component.MustNewType(name), known)
		}
		for name, known := range exporters {
			f.Exporters[component.MustNewType(name)] = standInExporter(component.MustNewType(name), known)
		}
		for name, known := range extensions {
			f.Extensions[component.MustNewType(name)] = extension.NewFactory(component.MustNewType(name), keys(known),
				func(context.Context, extension.Settings, component.Config) (extension.Extension, error) {
					return idle{}, nil
				}, beta)
		}
		for name, known := range connectors {
			f.Connectors[component.MustNewType(name)] = standInConnector(component.MustNewType(name), known)
		}
	}
}

func standInReceiver(t component.Type, known string) receiver.Factory {
	return receiver.NewFactory(t, keys(known),
		receiver.WithTraces(func(context.Context, receiver.Settings, component.Config, consumer.Traces) (receiver.Traces, error) {
			return idle{}, nil
		}, beta),
		receiver.WithMetrics(func(context.Context, receiver.Settings, component.Config, consumer.Metrics) (receiver.Metrics, error) {
			return idle{}, nil
		}, beta),
		receiver.WithLogs(func(context.Context, receiver.Settings, component.Config, consumer.Logs) (receiver.Logs, error) {
			return idle{}, nil
		}, beta))
}

func standInProcessor(t component.Type, known string) processor.Factory {
	return processor.NewFactory(t, keys(known),
		processor.WithTraces(func(_ context.Context, _ processor.Settings, _ component.Config, next consumer.Traces) (processor.Traces, error) {
			return traces{Traces: next}, nil
		}, beta),
		processor.WithMetrics(func(_ context.Context, _ processor.Settings, _ component.Config, next consumer.Metrics) (processor.Metrics, error) {
			return metrics{Metrics: next}, nil
		}, beta),
		processor.WithLogs(func(_ context.Context, _ processor.Settings, _ component.Config, next consumer.Logs) (processor.Logs, error) {
			return logs{Logs: next}, nil
		}, beta))
}

func standInExporter(t component.Type, known string) exporter.Factory {
	return exporter.NewFactory(t, keys(known),
		exporter.WithTraces(func(context.Context, exporter.Settings, component.Config) (exporter.Traces, error) {
			return traces{Traces: nowhere}, nil
		}, beta),
		exporter.WithMetrics(func(context.Context, exporter.Settings, component.Config) (exporter.Metrics, error) {
			return metrics{Metrics: nowhere}, nil
		}, beta),
		exporter.WithLogs(func(context.Context, exporter.Settings, component.Config) (exporter.Logs, error) {
			return logs{Logs: nowhere}, nil
		}, beta))
}

func standInConnector(t component.Type, known string) connector.Factory {
	return connector.NewFactory(t, keys(known),
		connector.WithTracesToMetrics(func(context.Context, connector.Settings, component.Config, consumer.Metrics) (connector.Traces, error) {
			return traces{Traces: nowhere}, nil
		}, beta))
}
